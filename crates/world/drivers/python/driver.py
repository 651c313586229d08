"""Drives the official Python SDK (`mcp`) from JSON lines, with nothing of it replaced.

The first argument is JSON: url, client_id, redirect_uri, era. Each line on stdin is a command,
each line on stdout an answer. In between, `{"authorize": URL}` asks for a browser and waits for
`{"callback": URL}`.
"""

import json
import sys
import traceback
from contextlib import AsyncExitStack
from urllib.parse import parse_qs, urlsplit

import anyio
from mcp import Client, MCPError
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata


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


def innermost(error):
    """The first real error in what may be a group of groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def obey(command, client):
    if command["do"] == "list":
        page = await client.list_tools()
        return {"tools": [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in page.tools]}
    result = await client.call_tool(command["name"], command.get("arguments") or {})
    return result.model_dump(mode="json", by_alias=True, exclude_none=True)


async def main():
    start = json.loads(sys.argv[1])
    memory = Memory()
    provider = OAuthClientProvider(
        server_url=start["url"],
        client_metadata=OAuthClientMetadata(
            client_name="Python SDK", redirect_uris=[start["redirect_uri"]], token_endpoint_auth_method="none"
        ),
        storage=memory,
        redirect_handler=ask_for_browser,
        callback_handler=wait_for_browser,
        client_metadata_url=start["client_id"],
    )
    async with AsyncExitStack() as stack:
        client = None
        while command := await hear():
            try:
                if command["do"] == "connect":
                    http = await stack.enter_async_context(create_mcp_http_client(auth=provider))
                    transport = streamable_http_client(start["url"], http_client=http)
                    mode = "legacy" if start["era"] == "2025-11-25" else "auto"
                    client = await stack.enter_async_context(Client(transport, mode=mode))
                    answer = {"protocol": client.protocol_version}
                else:
                    answer = await obey(command, client)
                say({"ok": answer})
            except Exception as error:
                traceback.print_exc()
                error = innermost(error)
                said = {"error": str(error), "kind": type(error).__name__}
                if isinstance(error, MCPError):
                    said["code"] = error.error.code
                say(said)


anyio.run(main)
