"""The routes: protocols by their paths, health, and what is said of any other path."""

from collections.abc import Awaitable, Callable
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mmjudge.server.http import flow_factory, openrlhf, pickle_protocol, slime, unirl, verl
from mmjudge.server.http.config import HttpConfig
from mmjudge.server.http.protocol import Endpoint
from mmjudge.server.http.service import HttpService


def endpoints(config: HttpConfig) -> list[Endpoint]:
    """The paths of the protocols that have a judge."""
    judges = config.judges
    return [
        *([openrlhf.endpoint(config)] if judges.openrlhf else []),
        *([slime.endpoint(config)] if judges.slime else []),
        *([unirl.endpoint(config)] if judges.unirl else []),
        *(verl.endpoints(config) if judges.verl else []),
        *([flow_factory.endpoint(config)] if judges.flow_factory else []),
        *([pickle_protocol.endpoint(config)] if judges.pickle else []),
    ]


def app(config: HttpConfig, service: HttpService) -> Starlette:
    """The application; it answers 503 until the service has an answerer."""
    served = endpoints(config)
    rewards = list(config.judges.unirl)

    async def health(_: Request) -> Response:
        body = {"status": service.state, "rewards": {name: ["score"] for name in rewards}}
        return JSONResponse(body, 200 if service.state == "ok" else 503)

    async def listed(_: Request) -> Response:
        return JSONResponse({"rewards": rewards})

    async def nothing_here(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        known = ", ".join(f"POST {one.path} ({one.protocol})" for one in served)
        body = {"error": f"{error.detail}; there are GET /health, {known}", "reason": "NotFound"}
        return JSONResponse(body, error.status_code, error.headers)

    return Starlette(
        routes=[
            Route("/health", health, methods=["GET"]),
            *([Route("/rewards", listed, methods=["GET"])] if rewards else []),
            *(Route(one.path, _handler(service, one), methods=["POST"]) for one in served),
        ],
        exception_handlers={404: nothing_here, 405: nothing_here},
    )


def _handler(service: HttpService, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    return partial(service.respond, endpoint)
