#pragma once

#include <stddef.h>

/// The text of a file below Sources that was put into the program, ended by a zero byte; NULL where
/// none has this path.
const char *_Nullable cembedded_text(const char *_Nonnull path);

/// The path of the file at a place of the list, from 0; NULL behind the last.
const char *_Nullable cembedded_path(size_t place);
