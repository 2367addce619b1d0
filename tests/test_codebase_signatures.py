"""The signature that the code verifies."""

from __future__ import annotations

import pytest

from dsaudit.codebase import signature_verification
from tests.programs import code_of, sample_code

START = """
import base64, hashlib, hmac, json, secrets
SECRET = b"..."
"""
VERIFIED = {
    "in the endpoint": """
@app.post("/webhooks")
async def receive(request):
    body = await request.body()
    expected = base64.b64encode(hmac.new(SECRET, body, hashlib.sha256).digest()).decode()
    if not hmac.compare_digest(expected, request.headers["X-Hmac"]):
        raise HTTPException(401)
    await ingest(body)
""",
    "by a helper that gives the outcome back": """
from signing import is_signed
@app.post("/webhooks")
async def receive(request):
    signed = is_signed(await request.body(), request.headers["X-Hmac"])
    if not signed:
        return Response(status_code=401)
    await ingest(request)
""",
    "by a helper that raises": """
def verify(body: bytes, given: str) -> None:
    mac = hmac.new(SECRET, digestmod="sha256")
    mac.update(body)
    if not secrets.compare_digest(mac.hexdigest(), given):
        raise PermissionError
@app.post("/webhooks")
async def receive(request):
    verify(await request.body(), request.headers["X-Hmac"])
""",
    "by a dependency": """
async def signed(request):
    raw = await request.body()
    digest = hmac.digest(SECRET, raw, "sha256")
    if hmac.compare_digest(digest, request.headers["X-Hmac"].encode()):
        return raw
    raise HTTPException(status_code=401)
@app.post("/webhooks")
async def receive(raw=Depends(signed)):
    await ingest(raw)
""",
    "over time and body, in two steps": """
class Verifier:
    def _digest(self, time, body):
        return hmac.new(SECRET, f"{time}.{body}".encode(), hashlib.sha256).hexdigest()
    def check(self, request):
        raw = request.get_data()
        ok = hmac.compare_digest(self._digest(request.headers["t"], raw), request.headers["s"])
        return ok and request.path == "/webhooks"
def receive(request):
    if Verifier().check(request):
        ingest(request)
ROUTES = [receive]
""",
    "by a middleware": """
from starlette.middleware.base import BaseHTTPMiddleware
class Signed(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        mac = hmac.new(SECRET, await request.body(), hashlib.sha256)
        if not hmac.compare_digest(mac.hexdigest(), request.headers["X-Hmac"]):
            return Response(status_code=401)
        return await call_next(request)
app.add_middleware(Signed)
""",
    "by a middleware that settings name": """
MIDDLEWARE = ["django.middleware.common.CommonMiddleware", "main.Signed"]
class Signed:
    def __init__(self, get_response):
        self.get_response = get_response
    def __call__(self, request):
        mac = hmac.new(SECRET, request.body, hashlib.sha256)
        if not hmac.compare_digest(mac.hexdigest(), request.META["HTTP_X_HMAC"]):
            return HttpResponse(status=401)
        return self.get_response(request)
""",
    "by an object that is a dependency": """
class Signed:
    def __init__(self, secret):
        self.secret = secret
    async def __call__(self, request):
        raw = await request.body()
        if not hmac.compare_digest(hmac.new(self.secret, raw, "sha256").hexdigest(), request.headers["X-Hmac"]):
            raise PermissionError("signature")
        return raw
signed = Signed(SECRET)
@app.post("/webhooks")
async def receive(raw=Depends(signed)):
    await ingest(raw)
""",
    "by a permission": """
from rest_framework.permissions import BasePermission
class Signed(BasePermission):
    def has_permission(self, request, view):
        mac = hmac.new(SECRET, request.body, hashlib.sha256)
        return hmac.compare_digest(mac.hexdigest(), request.headers["X-Hmac"])
class Receiver(APIView):
    permission_classes = [Signed]
    def post(self, request):
        ingest(request.data)
""",
    "by a helper whose error is answered": """
class BadSignature(Exception): ...
def verify(body: bytes, given: str) -> None:
    if not hmac.compare_digest(hmac.new(SECRET, body, "sha256").hexdigest(), given):
        raise BadSignature
@app.post("/webhooks")
async def receive(request):
    try:
        verify(await request.body(), request.headers["X-Hmac"])
    except BadSignature:
        return Response(status_code=401)
    await ingest(request)
""",
    "by the provider's library": """
import stripe
def receive(request):
    event = stripe.Webhook.construct_event(request.data, request.headers["Stripe-Signature"], SECRET)
    ingest(event)
""",
}
SIGNING = """
import base64, hashlib, hmac
def is_signed(body, given):
    return hmac.compare_digest(base64.b64encode(hmac.new(b"", body, hashlib.sha256).digest()), given.encode())
"""


@pytest.mark.parametrize("way", VERIFIED)
def test_a_signature_over_the_raw_body_compared_in_constant_time_is_found(way: str) -> None:
    code = code_of(START + VERIFIED[way], signing=SIGNING)
    finding = signature_verification(code, file="main.py")
    assert finding.state == "found", finding
    assert signature_verification(code).state == "found"


NOT_VERIFIED = {
    "words only": (
        """
# hmac.compare_digest(hmac.new(SECRET, await request.body(), sha256).digest(), given)
async def receive(request):
    \"\"\"Verifies the HMAC with compare_digest.\"\"\"
    await ingest(await request.body(), "hmac.compare_digest")
""",
        "no HMAC",
    ),
    "compared by ==": (
        """
@app.post("/webhooks")
async def receive(request):
    body = await request.body()
    expected = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    if expected != request.headers["X-Hmac"]:
        raise HTTPException(401)
""",
        "not in constant time",
    ),
    "over parsed and written JSON": (
        """
@app.post("/webhooks")
async def receive(request):
    body = json.dumps(await request.json()).encode()
    expected = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, request.headers["X-Hmac"]):
        raise HTTPException(401)
""",
        "not over the raw body",
    ),
    "compared with nothing": (
        """
@app.post("/webhooks")
async def receive(request):
    expected = hmac.new(SECRET, await request.body(), hashlib.sha256).hexdigest()
    await ingest(expected)
""",
        "compared with nothing",
    ),
    "outcome thrown away": (
        """
@app.post("/webhooks")
async def receive(request):
    expected = hmac.new(SECRET, await request.body(), hashlib.sha256).hexdigest()
    hmac.compare_digest(expected, request.headers["X-Hmac"])
    await ingest(request)
""",
        "nothing depends on the outcome",
    ),
    "outcome only logged": (
        """
@app.post("/webhooks")
async def receive(request):
    expected = hmac.new(SECRET, await request.body(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, request.headers["X-Hmac"]):
        logger.warning("bad signature")
    await ingest(request)
""",
        "nothing depends on the outcome",
    ),
    "outcome thrown away by the caller": (
        """
from signing import is_signed
@app.post("/webhooks")
async def receive(request):
    is_signed(await request.body(), request.headers["X-Hmac"])
    await ingest(request)
""",
        "nothing depends on the outcome",
    ),
    "error passed over by the caller": (
        """
class BadSignature(Exception): ...
def verify(body: bytes, given: str) -> None:
    if not hmac.compare_digest(hmac.new(SECRET, body, "sha256").hexdigest(), given):
        raise BadSignature
@app.post("/webhooks")
async def receive(request):
    try:
        verify(await request.body(), request.headers["X-Hmac"])
    except BadSignature:
        logger.warning("bad signature")
    await ingest(request)
""",
        "nothing depends on the outcome",
    ),
    "the library's refusal passed on": (
        """
import stripe
def receive(request):
    try:
        event = stripe.Webhook.construct_event(request.data, request.headers["Stripe-Signature"], SECRET)
    except stripe.error.SignatureVerificationError:
        event = json.loads(request.data)
    ingest(event)
""",
        "passed on",
    ),
    "an object that nobody uses": (
        """
class Signed:
    async def __call__(self, request):
        raw = await request.body()
        if not hmac.compare_digest(hmac.new(SECRET, raw, "sha256").hexdigest(), request.headers["X-Hmac"]):
            raise PermissionError("signature")
signed = Signed()
@app.post("/webhooks")
async def receive(request):
    await ingest(request)
""",
        "nothing depends on the outcome",
    ),
    "a check that nobody calls": (
        """
def verify(body: bytes, given: str) -> None:
    if not hmac.compare_digest(hmac.new(SECRET, body, "sha256").hexdigest(), given):
        raise PermissionError
@app.post("/webhooks")
async def receive(request):
    await ingest(await request.body())
""",
        "nothing depends on the outcome",
    ),
    "that of the installation only": (
        """
@app.get("/oauth/callback")
async def install(request):
    message = "&".join(f"{key}={value}" for key, value in sorted(request.query.items()))
    if not hmac.compare_digest(hmac.new(SECRET, message.encode(), "sha256").hexdigest(), request.query["hmac"]):
        raise HTTPException(400)
""",
        "not over the raw body",
    ),
}


@pytest.mark.parametrize("way", NOT_VERIFIED)
def test_a_signature_that_protects_nothing_is_absent_with_the_reason(way: str) -> None:
    text, reason = NOT_VERIFIED[way]
    finding = signature_verification(code_of(START + text, signing=SIGNING), file="main.py")
    assert finding.state == "absent", finding
    assert reason in finding.evidence


def test_a_signature_given_to_unseen_code_is_unresolved() -> None:
    text = """
from elsewhere import verify
async def receive(request):
    if not verify(await request.body(), request.headers["X-Shopify-Hmac-Sha256"]):
        raise HTTPException(401)
"""
    finding = signature_verification(code_of(START + text))
    assert (finding.state, finding.line) == ("unresolved", 7)


def test_the_sample_verifies_signatures_and_each_weakening_is_seen() -> None:
    assert signature_verification(sample_code()).state == "found"
    compared = 'hmac.compare_digest(expected, (signature or "").encode())'
    weak = sample_code(("/delivery.py", compared, '(signature or "").encode() == expected'))
    assert "constant time" in signature_verification(weak).evidence
    unheeded = 'if not signed and not faults.value_of("no_signature_check"):'
    ignored = sample_code(("/shopify_webhooks.py", unheeded, 'if faults.value_of("no_signature_check"):'))
    assert signature_verification(ignored).state == "absent"
