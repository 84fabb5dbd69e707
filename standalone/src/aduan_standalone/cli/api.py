"""One synchronous HTTP client for the commands that ask and tell; `feed` has a concurrent one."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import httpx

from aduan_standalone.cli.instance import Instance
from aduan_standalone.cli.refusal import FAILED, Refusal

TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0)


class Api:
    """Asks the services of one instance with the operator's token."""

    def __init__(self, instance: Instance, client: httpx.Client) -> None:
        self.instance = instance
        self._client = client

    def get(self, service: str, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """Return the JSON of a GET. Raises Refusal for anything but 2xx."""
        return self._checked(service, self._send(service, "GET", path, params=params))

    def find(self, service: str, path: str, params: Mapping[str, Any] | None = None) -> Any | None:
        """Return the JSON of a GET, or None where the service answers 404."""
        answer = self._send(service, "GET", path, params=params)
        return None if answer.status_code == 404 else self._checked(service, answer)

    def post(self, service: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Return the JSON of a POST. Raises Refusal for anything but 2xx."""
        return self._checked(service, self._send(service, "POST", path, json=body))

    def put(self, service: str, path: str) -> Any:
        """Return the JSON of a PUT without a body. Raises Refusal for anything but 2xx."""
        return self._checked(service, self._send(service, "PUT", path))

    def delete(self, service: str, path: str) -> bool:
        """Delete; False where there was nothing. Raises Refusal for anything but 2xx and 404."""
        answer = self._send(service, "DELETE", path)
        if answer.is_success or answer.status_code == 404:
            return answer.is_success
        raise Refusal(f"{service}: {words_of(answer)}", code=FAILED)

    def _send(self, service: str, method: str, path: str, **options: Any) -> httpx.Response:
        url = self.instance.url_of(service) + path
        try:
            return self._client.request(method, url, headers=self._headers(), **options)
        except httpx.HTTPError as error:
            raise Refusal(unreachable(self.instance.url_of(service), error), code=FAILED) from None

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.instance.token}"}

    def _checked(self, service: str, answer: httpx.Response) -> Any:
        if not answer.is_success:
            raise Refusal(f"{service}: {words_of(answer)}", code=FAILED)
        try:
            return answer.json()
        except ValueError:
            raise Refusal(f"{service} gave an answer that is no JSON.", code=FAILED) from None


@contextmanager
def connected(instance: Instance) -> Iterator[Api]:
    """Give an Api and close its connections afterwards."""
    with httpx.Client(timeout=TIMEOUT) as client:
        yield Api(instance, client)


def words_of(answer: httpx.Response) -> str:
    """Return one sentence about a refused request, from its problem+json where it has one."""
    try:
        problem = answer.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict) or "title" not in problem:
        return f"HTTP {answer.status_code}."
    words = str(problem.get("detail") or problem["title"])
    fields = [f"{e['field']} {e['message']}" for e in problem.get("errors") or ()]
    return f"HTTP {answer.status_code}, {words}{' ' if fields else ''}{'; '.join(fields)}"


def unreachable(url: str, error: httpx.HTTPError) -> str:
    """Return one sentence about an instance that does not answer."""
    return f"{url} does not answer ({type(error).__name__})."
