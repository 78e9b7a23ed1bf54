# SPDX-License-Identifier: GPL-3.0-or-later
"""A small IAM Identity Center on loopback: the device flow of sso-oidc, and the portal's accounts, roles, credentials.

It is as strict as the real one in what the tests rely on: unknown clients, codes, tokens and start URLs are refused.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

START_URL = "https://studio.awsapps.com/start"
FAR_FUTURE = 4_102_444_800
ACCOUNTS = {"222222222222": ("Shots", ["Artist"]), "111111111111": ("Assets", ["Artist", "Director"])}


class Refused(Exception):
    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__(code)
        self.code, self.status = code, status


@dataclass
class IdentityCenter:
    """What it knows, and what a test may make it do."""

    port: int = 0
    token_lifetime_s: int = 28_800
    confirmed: bool = False
    """Whether the person has confirmed the code in the browser."""
    answers: list[str] = field(default_factory=list)
    """Errors that the next questions for a token get, before anything else."""
    clients: dict[str, dict[str, Any]] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    refreshes: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """Leads AWS tools here."""
        url = f"http://127.0.0.1:{self.port}"
        return {"AWS_ENDPOINT_URL_SSO": url, "AWS_ENDPOINT_URL_SSO_OIDC": url}

    def register(self, asked: dict[str, Any]) -> dict[str, Any]:
        client = f"client-{len(self.clients) + 1}"
        self.clients[client] = asked
        return {"clientId": client, "clientSecret": f"secret of {client}", "clientSecretExpiresAt": FAR_FUTURE}

    def authorize(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._check_client(asked)
        if asked["startUrl"] != START_URL:
            raise Refused("InvalidRequestException")
        page = "https://device.sso.eu-central-1.amazonaws.com/"
        code = {"userCode": "ABCD-EFGH", "deviceCode": "device code", "expiresIn": 600, "interval": 1}
        return code | {"verificationUri": page, "verificationUriComplete": f"{page}?user_code=ABCD-EFGH"}

    def token(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._check_client(asked)
        if self.answers:
            code = self.answers.pop(0)
            raise Refused(code, 500 if code.startswith("Internal") else 400)
        if asked["grantType"] == "refresh_token":
            if self.refreshes.get(asked["refreshToken"]) != asked["clientId"]:
                raise Refused("InvalidGrantException")
        elif asked["deviceCode"] != "device code":
            raise Refused("InvalidGrantException")
        elif not self.confirmed:
            raise Refused("AuthorizationPendingException")
        return self._new_token(asked["clientId"])

    def _new_token(self, client: str) -> dict[str, Any]:
        token = f"token-{len(self.tokens) + 1}"
        self.tokens.add(token)
        answer = {"accessToken": token, "tokenType": "Bearer", "expiresIn": self.token_lifetime_s}
        if "sso:account:access" in self.clients[client].get("scopes", ()):
            self.refreshes[f"refresh {token}"] = client
            answer["refreshToken"] = f"refresh {token}"
        return answer

    def _check_client(self, asked: dict[str, Any]) -> None:
        if asked["clientSecret"] != f"secret of {asked['clientId']}" or asked["clientId"] not in self.clients:
            raise Refused("InvalidClientException", 401)

    def accounts(self, query: dict[str, str]) -> dict[str, Any]:
        """One a page, so that whoever reads only the first is found out."""
        ids = list(ACCOUNTS)
        at = int(query.get("next_token", 0))
        row = {"accountId": ids[at], "accountName": ACCOUNTS[ids[at]][0], "emailAddress": "aws@studio.example"}
        return {"accountList": [row], **({"nextToken": str(at + 1)} if at + 1 < len(ids) else {})}

    def roles(self, query: dict[str, str]) -> dict[str, Any]:
        names = ACCOUNTS[query["account_id"]][1]
        return {"roleList": [{"roleName": name, "accountId": query["account_id"]} for name in names]}

    def credentials(self, query: dict[str, str]) -> dict[str, Any]:
        if query["role_name"] not in ACCOUNTS[query["account_id"]][1]:
            raise Refused("ResourceNotFoundException", 404)
        keys = {"accessKeyId": f"AKIA{query['account_id']}", "secretAccessKey": "s", "sessionToken": "t"}
        return {"roleCredentials": {**keys, "expiration": FAR_FUTURE * 1000}}


class _Handler(BaseHTTPRequestHandler):
    center: IdentityCenter

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        routes = {
            "/client/register": self.center.register,
            "/device_authorization": self.center.authorize,
            "/token": self.center.token,
        }
        self._answer(lambda: routes[self.path](asked))

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        routes = {
            "/assignment/accounts": self.center.accounts,
            "/assignment/roles": self.center.roles,
            "/federation/credentials": self.center.credentials,
        }

        def answer() -> dict[str, Any]:
            if self.headers.get("x-amz-sso_bearer_token") not in self.center.tokens:
                raise Refused("UnauthorizedException", 401)
            return routes[parts.path](query)

        self._answer(answer)

    def _answer(self, make: Any) -> None:
        self.center.asked.append(urlsplit(self.path).path)
        headers, status = {}, 200
        try:
            body = json.dumps(make()).encode()
        except Refused as refusal:
            body, status = json.dumps({"error": refusal.code, "message": refusal.code}).encode(), refusal.status
            headers = {"x-amzn-ErrorType": refusal.code}
        self.send_response(status)
        for name, value in {**headers, "Content-Type": "application/json", "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        """Nothing on the terminal of the tests."""


@contextmanager
def running() -> Iterator[IdentityCenter]:
    center = IdentityCenter()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"center": center}))
    center.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield center
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
