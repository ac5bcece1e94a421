#pragma once

/// The text of a file below Sources that was put into the program, ended by a zero byte; NULL where
/// none has this path.
const char *_Nullable cembedded_text(const char *_Nonnull path);
