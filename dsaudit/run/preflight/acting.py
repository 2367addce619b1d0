"""What a run does beyond reading, told before it does it: deliveries sent, records changed, syncs started."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

from dsaudit import catalogue
from dsaudit.parameters import Parameters, place_of
from dsaudit.parameters.live import sends_again
from dsaudit.probes import forging
from dsaudit.run.preflight.line import Line, not_given
from dsaudit.verdict.card import plural
from dsaudit.wording import shown


def probe(parameters: Parameters) -> Iterator[Line]:
    """Tell what a run will send to our webhook address, before it does."""
    given = parameters.webhooks and parameters.webhooks.probe
    if not given:
        yield not_given("webhooks.probe")
        return
    if parameters.source is None:
        yield Line("probe", None, "sends nothing without a source, whose reading it follows")
        return
    for key, name in (("secret_env", given.secret_env), ("url_env", None if given.url else given.url_env)):
        if name and not os.environ.get(name):
            where = place_of(parameters.path, ("webhooks", "probe", key))
            yield Line("probe", False, f"{where}: the environment variable {name} is not set, so nothing would be sent")
            return
    try:
        scheme = catalogue.load(parameters.provider_file).signature
    except catalogue.ProviderError as error:
        yield Line("probe", False, str(error).splitlines()[0])
        return
    if scheme is None:
        where = place_of(parameters.path, ("webhooks", "probe"))
        yield Line("probe", False, f"{where}: the provider's file does not tell how deliveries are signed")
        return
    kinds = forging.kinds(parameters, scheme)
    forged = plural(len(kinds) - (forging.GENUINE in kinds), "forged delivery", "forged deliveries")
    also = ", and a genuine deletion of what nobody has twice" if forging.GENUINE in kinds else ""
    more = (
        ", about a deletion alone"
        if parameters.environment == "production"
        else "; with secret_env there would be more"
    )
    signed = "" if given.secret_env and parameters.environment != "production" else more
    address = shown(given.url) if given.url else given.url_env or "the address that is registered"
    yield Line("probe", True, f"a run sends {forged} to {address}, each to be refused{also}{signed}")


def live(parameters: Parameters) -> Line:
    """Say what a run would do at the source if it were asked to; nothing is tried, as that would be doing it."""
    live = parameters.live
    if live is None:
        return not_given("live")
    whose = live.tenant or parameters.whole.tenant_names[0]
    does = f"a {live.resource} of {whose} would be created, updated three times and deleted at the source"
    does += ", and two deliveries of it sent again" if sends_again(parameters) else ""
    if not os.environ.get(live.token_env):
        where = place_of(parameters.path, ("live", "token_env"))
        return Line("live", False, f"{where}: {live.token_env} is not set; {_when(parameters)}, {does}")
    return Line("live", True, f"{_when(parameters)}, {does}{_else(parameters)}")


def started(parameters: Parameters) -> Line:
    """Say which syncs a run would start if it were asked to."""
    given = parameters.syncs.run if parameters.syncs else None
    if given is None:
        return not_given("syncs.run")
    count = len({resource.sync for resource in parameters.resources.values() if resource.sync})
    does = f"{plural(count, 'sync')} of each tenant would be started"
    program = given.command[0] if given.command else ""
    if program and not shutil.which(str(parameters.folder(program)) if os.sep in program else program):
        where = place_of(parameters.path, ("syncs", "run", "command"))
        return Line("syncs.run", False, f"{where}: there is no program {program}; {_when(parameters)}, {does}")
    if lacking := given.lacking:
        where = place_of(parameters.path, ("syncs", "run"))
        return Line("syncs.run", False, f"{where}: {lacking} is not set; {_when(parameters)}, {does}")
    return Line("syncs.run", True, f"{_when(parameters)}, {does}{_else(parameters)}")


def pushed(parameters: Parameters) -> Line:
    """Say what a run would push through the API if it were asked to."""
    push, apis = parameters.push, parameters.apis
    if push is None or apis is None:
        return not_given("push")
    whose = push.tenant or parameters.whole.tenant_names[0]
    does = f"a {push.resource} of {whose} would be pushed through the API, followed, and taken away again"
    lacking = next((name for name in (apis.url_env, push.token_env or apis.token_env) if _unset(name)), None)
    if lacking:
        where = place_of(parameters.path, ("push",))
        return Line("push", False, f"{where}: {lacking} is not set; {_when(parameters)}, {does}")
    if parameters.environment == "production":
        return Line("push", True, "declared, and never done in production")
    return Line("push", True, f"{_when(parameters)}, {does}{_else(parameters)}")


def flowed(parameters: Parameters) -> Iterator[Line]:
    """Say which flows a run would do through the API if it were asked to, and whether their schemas are there."""
    flows, apis = parameters.flows, parameters.apis
    if not flows or apis is None:
        yield not_given("flows")
        return
    names = ", ".join(flow.name for flow in flows)
    does = f"{plural(len(flows), 'flow')} would be done through the API and taken away again: {names}"
    needed: list[tuple[tuple[str | int, ...], str | None]]
    needed = [(("apis",), apis.url_env), (("apis",), apis.token_env)]
    needed += [(("flows", number, "token_env"), flow.token_env) for number, flow in enumerate(flows)]
    needed += [(("flow_variables", name), variable) for name, variable in parameters.flow_variables.items()]
    lacking = next(((keys, name) for keys, name in needed if _unset(name)), None)
    if lacking:
        where = place_of(parameters.path, lacking[0])
        yield Line("flows", False, f"{where}: {lacking[1]} is not set; {_when(parameters)}, {does}")
    elif parameters.environment == "production":
        yield Line("flows", True, "declared, and never done in production")
    else:
        yield Line("flows", True, f"{_when(parameters)}, {does}{_else(parameters)}")
    if parameters.answers and not parameters.folder(parameters.answers).is_file():
        words = f"there is no file {parameters.answers}, so no answer is held against its schema"
        yield Line("answers", False, f"{place_of(parameters.path, ('answers',))}: {words}")


def _unset(name: str | None) -> bool:
    return bool(name) and not os.environ.get(name or "")


def _when(parameters: Parameters) -> str:
    """Return when a run acts."""
    return "with each run (allow_actions)" if parameters.allow_actions else "with --live"


def _else(parameters: Parameters) -> str:
    return "" if parameters.allow_actions else "; without, nothing is done"
