"""Paths become links where a message leaves: the log holds paths only (architecture.md, The log)."""

from signoff.events.types import Json


class Links:
    """Completes paths with the public address.

    Args:
        public_url: what links begin with; ``None`` leaves paths as they are.
    """

    def __init__(self, public_url: str | None) -> None:
        self._base = (public_url or "").rstrip("/")

    def absolute(self, path: str) -> str:
        """A path as a link."""
        return self._base + path

    def job(self, run_id: str) -> str:
        """Where the state of a run is asked for."""
        return f"{self._base}/api/jobs/{run_id}"

    def run(self, workflow_id: str, run_id: str) -> str:
        """The same for callers of v2."""
        return f"{self._base}/api/v2/workflows/{workflow_id}/runs/{run_id}"

    def resume(self, links: dict[str, str]) -> dict[str, str]:
        """The links of a pause point, absolute; its ids are left alone."""
        if not self._base:
            return links
        return {
            name: self._base + value if name in ("apiUrl", "uiUrl") else value
            for name, value in links.items()
        }

    def pause(self, output: Json) -> Json:
        """What a paused run answers, with absolute links: one pause response, or ``pausedBlocks``."""
        if not self._base or not isinstance(output, dict):
            return output
        if isinstance(output.get("pausedBlocks"), list):
            return {**output, "pausedBlocks": [self._response(each) for each in output["pausedBlocks"]]}
        return self._response(output)

    def _response(self, response: Json) -> Json:
        data = response.get("data") if isinstance(response, dict) else None
        if not isinstance(data, dict) or not isinstance(data.get("_resume"), dict):
            return response
        return {**response, "data": {**data, "_resume": self.resume(data["_resume"])}}
