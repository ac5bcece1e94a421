"""Other readers of cron texts as a filter: one JSON object a line in, one a line out.

{"library": …, "text": …, "zone": …, "starts": […], "count": …} gives, for each start, the seconds since
1970 of the first ticks after it, or the class of the error with which the text was refused. The library
"calendar" is none: it looks at each day, and its texts are `every 90`, in seconds, or `2:30` and days
of a month.
"""

import calendar
import datetime
import json
import sys
import zoneinfo

import cronsim
import croniter


def month_days(rules, year, month):
    last = calendar.monthrange(year, month)[1]
    working = [day for day in range(1, last + 1) if calendar.weekday(year, month, day) < 5]
    for rule in rules.split(","):
        if rule == "LW":
            yield working[-1]
        elif rule.endswith("W"):
            wanted = int(rule[:-1])
            if wanted <= last:
                yield min(working, key=lambda day: abs(day - wanted))
        else:
            yield last - int(rule[2:]) if rule.startswith("L-") else int(rule)


def by_calendar(text, start, count):
    when, rule = text.split()
    if when == "every":
        period = int(rule)
        return [(start // period + number + 1) * period for number in range(count)]
    hour, minute = map(int, when.split(":"))
    zone = datetime.timezone.utc
    day = datetime.datetime.fromtimestamp(start, tz=zone).date()
    found = []
    while len(found) < count:
        time = datetime.datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
        if time.timestamp() > start and day.day in month_days(rule, day.year, day.month):
            found.append(int(time.timestamp()))
        day += datetime.timedelta(days=1)
    return found


def ticks(library, text, zone, start, count):
    if library == "calendar":
        return by_calendar(text, start, count)
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
