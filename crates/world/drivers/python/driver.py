"""Drives the official Python SDK (`mcp`) from JSON lines, with nothing of it replaced.

The first argument is JSON: url, client_id, redirect_uri, era, and agent for one that has a key in the
environment instead of a browser. Each line on stdin is a command,
each line on stdout an answer. In between, `{"authorize": URL}` asks for a browser and waits for
`{"callback": URL}`.
"""

import json
import os
import sys
import traceback
from urllib.parse import parse_qs, urlsplit

import anyio
from mcp import Client, MCPError
from mcp.client.auth import OAuthClientProvider
from mcp.client.auth.extensions.client_credentials import PrivateKeyJWTOAuthProvider, SignedJWTParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata
from mcp.shared.message import ClientMessageMetadata
from mcp_types import CallToolRequest, CallToolRequestParams, CallToolResult, ElicitResult


class Memory:
    """Tokens and client registration, in memory."""

    tokens = None
    client_info = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client_info

    async def set_client_info(self, client_info):
        self.client_info = client_info


def say(line):
    print(json.dumps(line), flush=True)


async def hear():
    line = await anyio.to_thread.run_sync(sys.stdin.readline)
    return json.loads(line) if line else None


async def ask_for_browser(url):
    say({"authorize": url})


async def wait_for_browser():
    answer = await hear()
    query = {name: values[0] for name, values in parse_qs(urlsplit(answer["callback"]).query).items()}
    if "code" not in query:
        raise RuntimeError(f"the authorization server answered {query.get('error')}: {query.get('error_description')}")
    return AuthorizationCodeResult(code=query["code"], state=query.get("state"), iss=query.get("iss"))


def failure(error):
    """The first real error in what may be a group of groups."""
    traceback.print_exception(error)
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    said = {"error": str(error), "kind": type(error).__name__}
    return said | {"code": error.error.code} if isinstance(error, MCPError) else said


async def fill(_context, params):
    """Whatever a form asks for, by its kind."""
    properties = params.requested_schema["properties"]
    content = {name: True if kind["type"] == "boolean" else "blue" for name, kind in properties.items()}
    return ElicitResult(action="accept", content=content)


async def resume(command, client):
    params = CallToolRequestParams(name=command["name"], arguments=command.get("arguments") or {})
    metadata = ClientMessageMetadata(resumption_token=command["event"])
    return await client.session.send_request(CallToolRequest(params=params), CallToolResult, metadata=metadata)


async def obey(command, client):
    if command["do"] == "list":
        page = await client.list_tools()
        return {"tools": [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in page.tools]}
    if command["do"] == "resume":
        result = await resume(command, client)
    else:
        result = await client.call_tool(command["name"], command.get("arguments") or {})
    return result.model_dump(mode="json", by_alias=True, exclude_none=True)


async def connection(start, provider):
    """One connection, until stdin ends or the SDK gives it up.

    An exception in the OAuth flow, such as a person who says no, ends the connection of this SDK;
    the tokens stay, and the next `connect` uses them.
    """
    mode = "legacy" if start["era"] == "2025-11-25" else "auto"
    async with create_mcp_http_client(auth=provider) as http:
        async with Client(streamable_http_client(start["url"], http_client=http), mode=mode, elicitation_callback=fill) as client:
            say({"ok": {"protocol": client.protocol_version}})
            while command := await hear():
                try:
                    say({"ok": await obey(command, client)})
                except Exception as error:
                    say(failure(error))


def with_key(start):
    agent = start["agent"]
    signing = SignedJWTParameters(issuer=agent, subject=agent, signing_key=os.environ["PORTCULLIS_AGENT_KEY"], signing_algorithm="ES256")
    return PrivateKeyJWTOAuthProvider(
        server_url=start["url"],
        storage=Memory(),
        client_id=agent,
        assertion_provider=signing.create_assertion_provider(),
        issuer=start["issuer"],
    )


def with_browser(start):
    return OAuthClientProvider(
        server_url=start["url"],
        client_metadata=OAuthClientMetadata(
            client_name="Python SDK", redirect_uris=[start["redirect_uri"]], token_endpoint_auth_method="none"
        ),
        storage=Memory(),
        redirect_handler=ask_for_browser,
        callback_handler=wait_for_browser,
        client_metadata_url=start["client_id"],
    )


async def main():
    start = json.loads(sys.argv[1])
    provider = with_key(start) if start.get("agent") else with_browser(start)
    while command := await hear():
        try:
            if command["do"] != "connect":
                raise RuntimeError("not connected")
            await connection(start, provider)
        except Exception as error:
            say(failure(error))


anyio.run(main)
