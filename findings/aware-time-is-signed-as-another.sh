#!/usr/bin/env bash
# standardwebhooks 1.1.0, svix 2.9.1: sign() of a time that knows its zone signs another time.
#
# A sender in Python that takes the time with its zone and hands it to sign() gets a signature for what
# the clock on the wall shows there, read as if that were UTC. Where the zone is UTC the two are the
# same. Anywhere else the message is signed for a moment hours away, while the header webhook-timestamp,
# which the sender writes from the same time, is right. So every receiver refuses it, this library's
# own verify() among them, and the error is "No matching signature found", which sends one looking at
# the secret. A sender whose times come in a zone other than UTC, from its settings or as a database's
# session has them, has to convert them before it signs; its tests, if they run in UTC, do not say so.
#
# Seen with standardwebhooks 1.1.0 and svix 2.9.1 (PyPI), one moment written in three zones:
#
#   standardwebhooks, UTC: verifies
#   standardwebhooks, UTC+05:30: No matching signature found, it is the one of 5:30:00 later
#   standardwebhooks, UTC-08:00: No matching signature found, it is the one of 8:00:00 earlier
#
# and the same for svix. Fails when that changes. Needs python3 with pip. Takes some seconds.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps \
    --target "$work/packages" standardwebhooks==1.1.0 svix==2.9.1
cd "$work"
PYTHONPATH=$work/packages python3 - "$work/packages/svix/webhooks.py" <<'PY'
import importlib.util, sys
from datetime import datetime, timedelta, timezone

import standardwebhooks

# The part of svix that signs, without the client of its service and what that needs.
part = importlib.util.spec_from_file_location("svix_webhooks", sys.argv[1])
svix = importlib.util.module_from_spec(part)
part.loader.exec_module(svix)

moment = datetime.now(timezone.utc).replace(microsecond=0)
body = '{"type":"job.done"}'
seen, expected = [], []
for name, library in (("standardwebhooks", standardwebhooks), ("svix", svix)):
    webhook = library.Webhook("whsec_" + "c2VjcmV0" * 4)
    for zone, shift in ((timezone.utc, timedelta()),
                        (timezone(timedelta(hours=5, minutes=30)), timedelta(hours=5, minutes=30)),
                        (timezone(timedelta(hours=-8)), timedelta(hours=-8))):
        time = moment.astimezone(zone)
        assert time == moment
        signature = webhook.sign("msg_1", time, body)
        try:
            webhook.verify(body, {"webhook-id": "msg_1", "webhook-signature": signature,
                                  "webhook-timestamp": str(int(time.timestamp()))})
            seen.append("verifies")
        except library.WebhookVerificationError as error:
            seen.append(str(error))
            if signature == webhook.sign("msg_1", moment + shift, body):
                seen[-1] += f", it is the one of {abs(shift)} " + ("later" if shift > timedelta() else "earlier")
        print(f"{name}, {zone}: {seen[-1]}")
    expected += ["verifies", "No matching signature found, it is the one of 5:30:00 later",
                 "No matching signature found, it is the one of 8:00:00 earlier"]
if seen != expected:
    sys.exit("this is not the behaviour described above")
PY
