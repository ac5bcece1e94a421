"""The providers' own libraries as a filter: one JSON object a line in, one a line out.

{"do": "sign", "library": …, "secrets": […], "id": …, "time": …, "body": …} gives the headers that
prove the body, a signature for each secret; {"do": "verify", "library": …, "secret": …, "headers": …,
"body": …} gives what the library returned, or the class of the error that it raised.
"""

import datetime
import json
import sys

import standardwebhooks
import stripe
import svix.webhooks


def sign(library, secrets, id, time, body):
    if library == "stripe":
        made = [stripe.WebhookSignature.generate_signature_header(body, s, time) for s in secrets]
        # Each begins with the same time.
        return {"stripe-signature": ",".join(made[:1] + [one.split(",")[1] for one in made[1:]])}
    webhook = {"standardwebhooks": standardwebhooks.Webhook, "svix": svix.webhooks.Webhook}[library]
    when = datetime.datetime.fromtimestamp(time, tz=datetime.timezone.utc)
    prefix = "svix" if library == "svix" else "webhook"
    return {
        f"{prefix}-id": id,
        f"{prefix}-timestamp": str(time),
        f"{prefix}-signature": " ".join(webhook(s).sign(id, when, body) for s in secrets),
    }


def verify(library, secret, headers, body):
    if library == "stripe":
        event = stripe.Webhook.construct_event(body, headers["stripe-signature"], secret)
        return {"id": event.id, "type": event.type}
    if library == "svix":
        return svix.webhooks.Webhook(secret).verify(body, headers)
    return standardwebhooks.Webhook(secret).verify(body, headers)


for line in sys.stdin:
    request = json.loads(line)
    task = {"sign": sign, "verify": verify}[request.pop("do")]
    try:
        answer = {"returned": task(**request)}
    except Exception as error:
        answer = {"raised": type(error).__name__}
    print(json.dumps(answer))
