"""The OpenFeature provider: OpenFeature's client decides by Momentum, locally.

from openfeature import api
from momentum_sdk import Momentum
from momentum_sdk.openfeature import MomentumProvider

api.set_provider(MomentumProvider(Momentum("https://momentum.example.com", "mo_server_...")))

It needs the package openfeature-sdk: pip install "momentum-sdk[openfeature]".
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEventDetails
from openfeature.exception import ErrorCode, ProviderNotReadyError
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType, Reason
from openfeature.hook import Hook
from openfeature.provider import AbstractProvider, Metadata
from openfeature.track import TrackingEventDetails

from ._assignment import Evaluation
from .answers import fresh

if TYPE_CHECKING:
    from .client import Momentum

_Object = Sequence[FlagValueType] | Mapping[str, FlagValueType]
_Context = EvaluationContext | None

_REASONS: Final[Mapping[str, Reason]] = {
    "targeting_match": Reason.TARGETING_MATCH,
    "split": Reason.SPLIT,
    "forced": Reason.TARGETING_MATCH,
    "preview": Reason.TARGETING_MATCH,
    "held_out": Reason.DEFAULT,
    "paused": Reason.STATIC,
    "kept": Reason.SPLIT,
    "shipped": Reason.STATIC,
    "reverted": Reason.STATIC,
    "default": Reason.STATIC,
    "off": Reason.DISABLED,
    "not_targeted": Reason.DEFAULT,
    "not_covered": Reason.DEFAULT,
    "prerequisite": Reason.DEFAULT,
}


class MomentumProvider(AbstractProvider):
    """Resolves flags, and the payloads of experiments' variants, which logs the exposure.

    The targeting key is the learner's id; the attributes are those that rules target by, and "team"
    for experiments that are randomised by team. While the server cannot be reached, the reason is
    STALE.
    """

    def __init__(
        self, client: "Momentum", ready_timeout_s: float = 5.0, hooks: Sequence[Hook] = ()
    ) -> None:
        """Wrap a client.

        Args:
            client: decides and logs; closed at the provider's shutdown.
            ready_timeout_s: how long initialisation may wait for definitions.
            hooks: run by OpenFeature around each evaluation.
        """
        super().__init__()
        self._client = client
        self._ready_timeout_s = ready_timeout_s
        self._hooks = list(hooks)
        self._is_ready = False
        self._is_starting = False

    def get_metadata(self) -> Metadata:
        """The provider's name."""
        return Metadata(name="momentum")

    def get_provider_hooks(self) -> list[Hook]:
        """The hooks that were given."""
        return self._hooks

    def initialize(self, evaluation_context: EvaluationContext) -> None:  # noqa: ARG002
        """Wait for definitions; older ones, given or kept, will do.

        Raises:
            ProviderNotReadyError: there are none yet. The provider turns ready when they come.
        """
        self._is_starting = True
        self._client.listen(self._heard)
        self._client.ready(self._ready_timeout_s)
        self._is_starting = False  # before the look: those that come after it are heard of
        if self._client.status().source == "none":
            raise ProviderNotReadyError("no definitions have arrived; defaults apply until they do")
        self._is_ready = True

    def shutdown(self) -> None:
        """Send what waits, and close the client."""
        self._client.listen(None)
        self._client.close()

    def track(
        self,
        tracking_event_name: str,
        evaluation_context: _Context = None,
        tracking_event_details: TrackingEventDetails | None = None,
    ) -> None:
        """Log that the learner of the context did something."""
        details = tracking_event_details
        self._client.track(
            tracking_event_name,
            _learner(evaluation_context) or "",
            None if details is None else details.value,
            None if details is None or not details.attributes else details.attributes,
        )

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: _Context = None
    ) -> FlagResolutionDetails[bool]:
        """A flag that is true or false."""
        return self._resolve(flag_key, default_value, evaluation_context, _as(bool))

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: _Context = None
    ) -> FlagResolutionDetails[str]:
        """A flag that is a text."""
        return self._resolve(flag_key, default_value, evaluation_context, _as(str))

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: _Context = None
    ) -> FlagResolutionDetails[int]:
        """A flag that is a whole number; JSON's 3.0 is one."""
        return self._resolve(flag_key, default_value, evaluation_context, _as_integer)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: _Context = None
    ) -> FlagResolutionDetails[float]:
        """A flag that is a number."""
        return self._resolve(flag_key, default_value, evaluation_context, _as_float)

    def resolve_object_details(
        self, flag_key: str, default_value: _Object, evaluation_context: _Context = None
    ) -> FlagResolutionDetails[_Object]:
        """A flag that is a dictionary or a list."""
        return self._resolve(flag_key, default_value, evaluation_context, _as(dict, list))

    def _resolve(
        self, key: str, default: Any, context: _Context, read: Callable[[Any], Any]
    ) -> FlagResolutionDetails[Any]:
        evaluation = self._client.evaluate(key, _learner(context), _attributes(context))
        if evaluation is None:
            return _failure(default, ErrorCode.PROVIDER_NOT_READY, "no definitions are known yet")
        if evaluation.reason not in _REASONS:
            return _failure(default, *_problem(key, evaluation))
        value = default if evaluation.value is None else read(evaluation.value)
        if value is None:
            return _failure(default, ErrorCode.TYPE_MISMATCH, f"{key!a} is of another type")
        status = self._client.status()
        metadata: dict[str, bool | int | float | str] = {
            "version": status.version,
            "reason": evaluation.reason,
        }
        if evaluation.experiment is not None:
            metadata["experiment"] = evaluation.experiment
            metadata["in_experiment"] = evaluation.in_experiment
        return FlagResolutionDetails(
            value=fresh(value),
            reason=Reason.STALE if status.is_stale else _REASONS[evaluation.reason],
            variant=evaluation.variant,
            flag_metadata=metadata,
        )

    def _heard(self, what: str) -> None:
        """Tell OpenFeature what became of the definitions."""
        details = ProviderEventDetails()
        if not self._is_ready:
            if self._is_starting:
                return  # OpenFeature itself says "ready" at the end of the initialisation
            if what == "changed":
                self._is_ready = True
                self.emit_provider_ready(details)
        elif what == "changed":
            self.emit_provider_configuration_changed(details)
        elif what == "stale":
            self.emit_provider_stale(ProviderEventDetails(message="the server does not answer"))
        elif what == "confirmed":
            self.emit_provider_ready(details)


def _learner(context: _Context) -> str | None:
    return None if context is None else context.targeting_key


def _attributes(context: _Context) -> dict[str, Any]:
    attributes: Mapping[str, Any] = {} if context is None else context.attributes
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in attributes.items()
    }


def _problem(key: str, evaluation: Evaluation) -> tuple[ErrorCode, str]:
    if evaluation.reason == "unknown_flag":
        return ErrorCode.FLAG_NOT_FOUND, f"nothing of the key {key!a} is live in this environment"
    if evaluation.reason == "no_unit":
        if evaluation.unit_attribute == "id":
            return ErrorCode.TARGETING_KEY_MISSING, "give the learner's id as the targeting key"
        return ErrorCode.INVALID_CONTEXT, f"give the attribute {evaluation.unit_attribute!a}"
    return ErrorCode.GENERAL, f"{key!a} cannot be evaluated ({evaluation.reason})"


def _failure(default: Any, code: ErrorCode, message: str) -> FlagResolutionDetails[Any]:
    return FlagResolutionDetails(
        value=default, reason=Reason.ERROR, error_code=code, error_message=message
    )


def _as(*kinds: type) -> Callable[[Any], Any]:
    return lambda value: value if isinstance(value, kinds) else None


def _as_integer(value: Any) -> int | None:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _as_float(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
