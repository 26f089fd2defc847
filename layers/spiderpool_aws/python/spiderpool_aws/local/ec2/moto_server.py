"""The front over HTTP: moto's server, where EC2 and Auto Scaling are the model's, and every other service is moto's.

moto's backends live in its process, so two servers in one process share their queues and parameters; `stop` resets
them. Every EC2 request lets what is due on the model's clock happen first.
"""

import socket
from collections.abc import Callable, Iterable, Mapping
from threading import Thread
from typing import Any
from xml.sax.saxutils import escape

from moto.core.parse import PROTOCOL_PARSERS
from moto.core.serialize import EC2Serializer, QuerySerializer, SerializationContext
from moto.core.utils import get_service_model
from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Request, Response

from spiderpool_aws.local.ec2.autoscaling import AutoScaling
from spiderpool_aws.local.ec2.calls import Ec2Call
from spiderpool_aws.local.ec2.errors import Ec2Error, Ec2TimeoutError
from spiderpool_aws.local.ec2.model import Ec2Model

_HOST = "127.0.0.1"
_STOP_POLL_SECONDS = 0.02
_BACKLOG = 128
_XML = "text/xml;charset=UTF-8"
_GATEWAY_TIMEOUT = 504
Execute = Callable[[str, dict[str, Any], str], Ec2Call]
WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]


class AwsServer:
    """A running server; `url` is the endpoint for clients, `stop` ends it and frees the port."""

    def __init__(self, server: BaseWSGIServer) -> None:
        self._server = server
        how = {"poll_interval": _STOP_POLL_SECONDS}
        self._thread = Thread(target=server.serve_forever, kwargs=how, name="aws", daemon=True)
        self._thread.start()
        self.url = f"http://{_HOST}:{server.port}"

    def stop(self) -> None:
        """Stop serving, close the socket, and forget what moto's services hold."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        moto_api_backend.reset()


def serve_aws(
    port: int,
    model: Ec2Model,
    callers: Mapping[str, str] | None = None,
    autoscaling: AutoScaling | None = None,
) -> AwsServer:
    """Serve AWS on loopback; port 0 takes a free one. Raises OSError when the port is taken.

    `callers` maps access keys to the ARNs of the roles that call EC2 with them. With `autoscaling`, its groups answer
    for Auto Scaling as well.
    """
    roles = callers or {}

    def ec2(action: str, params: dict[str, Any], access_key: str) -> Ec2Call:
        return model.serve(action, params, roles.get(access_key))

    own: dict[str, WsgiApp] = {"ec2": _QueryApplication("ec2", "ec2", EC2Serializer, ec2)}
    if autoscaling is not None:
        groups = autoscaling
        own["autoscaling"] = _QueryApplication(
            "autoscaling", "query", QuerySerializer, lambda action, params, _: groups.execute(action, params)
        )
    app = _Dispatcher(DomainDispatcherApplication(create_backend_app), own)
    # Bound here and handed over (as a copy): werkzeug would end the process when the port is taken.
    with socket.create_server((_HOST, port), backlog=_BACKLOG) as bound:
        server = make_server(_HOST, port, app, threaded=True, request_handler=_QuietHandler, fd=bound.fileno())
    return AwsServer(server)


class _QuietHandler(MotoRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write nothing: the demo owns the terminal."""


class _Dispatcher:
    """Sends what is signed for one of our own services there, and all else to moto."""

    def __init__(self, moto_app: WsgiApp, own: Mapping[str, WsgiApp]) -> None:
        self._moto_app = moto_app
        self._own = own

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        # Credential=<key>/<date>/<region>/<service>/aws4_request
        scope = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].split(",")[0].split("/")
        service = scope[-2] if len(scope) > 1 else ""
        return self._own.get(service, self._moto_app)(environ, start_response)


class _QueryApplication:
    """A service with AWS's query protocol: parameters from the form, answers and errors as XML."""

    def __init__(self, service: str, protocol: str, serializer: type[QuerySerializer], execute: Execute) -> None:
        self._service = get_service_model(service)
        self._protocol = protocol
        self._serializer = serializer
        self._execute = execute

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return self._respond(Request(environ))(environ, start_response)

    def _respond(self, request: Request) -> Response:
        action = request.values.get("Action", "")
        if action not in self._service.operation_names:
            error = Ec2Error("InvalidAction", f"The action {action} is not valid for this web service.")
            return _error_response(error, "")
        access_key = request.headers.get("Authorization", "").partition("Credential=")[2].partition("/")[0]
        call = self._execute(action, self._params(request, action), access_key)
        if isinstance(call.error, Ec2TimeoutError):
            # Nothing closer to a lost answer can be sent in time: a gateway that gave up.
            return Response(status=_GATEWAY_TIMEOUT)
        if call.error:
            return _error_response(call.error, call.request_id)
        return self._answer(call)

    def _params(self, request: Request, action: str) -> dict[str, Any]:
        parser = PROTOCOL_PARSERS[self._protocol](self._service.operation_model(action))
        parsed: dict[str, Any] = parser.parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": request.get_data(),
                "url_path": request.path,
                "url_params": {},
            }
        )
        return parsed

    def _answer(self, call: Ec2Call) -> Response:
        operation = self._service.operation_model(call.operation)
        serializer = self._serializer(operation, context=SerializationContext(request_id=call.request_id))
        serialized = serializer.serialize(call.answer or {})
        return Response(serialized["body"], status=serialized["status_code"], content_type=_XML)


def _error_response(error: Ec2Error, request_id: str) -> Response:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Response><Errors><Error><Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message></Error>"
        f"</Errors><RequestID>{request_id}</RequestID></Response>"
    )
    return Response(body, status=error.status, content_type=_XML)
