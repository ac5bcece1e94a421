"""Other readers of cron texts as a filter: one JSON object a line in, one a line out.

{"library": …, "text": …, "zone": …, "starts": […], "count": …} gives, for each start, the seconds since
1970 of the first ticks after it, or the class of the error with which the text was refused.
"""

import datetime
import json
import sys
import zoneinfo

import cronsim
import croniter


def ticks(library, text, zone, start, count):
    begin = datetime.datetime.fromtimestamp(start, tz=zone)
    if library == "cronsim":
        found = cronsim.CronSim(text, begin)
    else:
        # Seconds first and the rule of the leading star, as tasq has them; not its defaults.
        found = croniter.croniter(
            text, begin, ret_type=datetime.datetime, second_at_beginning=True,
            implement_cron_bug=True, max_years_between_matches=100,
        )
    return [int(next(found).timestamp()) for _ in range(count)]


def answer(ask):
    zone = datetime.timezone.utc if ask["zone"] == "UTC" else zoneinfo.ZoneInfo(ask["zone"])
    try:
        return {
            "ticks": [
                ticks(ask["library"], ask["text"], zone, start, ask["count"])
                for start in ask["starts"]
            ]
        }
    except Exception as error:
        return {"refused": type(error).__name__}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))))
