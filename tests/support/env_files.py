"""`deploy/env/*.env`, from the settings themselves: `python -m tests.support.env_files` writes them."""

from __future__ import annotations

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from console.web.settings import ServeSettings
from flows.settings.alerts import AlertsSettings
from flows.settings.history import HistorySettings
from flows.settings.joins import AllocationSettings, GovernorSettings
from flows.settings.p35 import P35Settings
from tests.support.flow_process import ROOT

FOLDER = ROOT / "deploy" / "env"

SETTINGS: dict[str, type[BaseSettings]] = {
    "p35-decision-intelligence": P35Settings,
    "p35-alerts": AlertsSettings,
    "allocation-target": AllocationSettings,
    "governor": GovernorSettings,
    "history": HistorySettings,
}
"""Name of the file, and of the unit without `quantum-` -> what the flow reads."""

HEAD = """\
# Settings of quantum-{name}.service, installed as /etc/quantum/{name}.env.
#
# Each setting is shown with its default; uncomment it to change it, then: systemctl restart quantum-{name}
# What stays commented out follows the defaults of the version that is installed. What is allowed: docs/configuration.md
# A password has a better place: /etc/quantum/credentials/{name}.redis_password
"""

CONSOLE = "console"
"""Name of the file that the installed command `quantum` reads, and the unit that serves its answers."""

_UNUSED = ("metrics_", "history_interval_sec")
"""Settings that the console inherits, and has no use for."""

CONSOLE_HEAD = """\
# Where the command quantum finds Redis, the thresholds that it judges by, and how quantum-console.service serves its
# answers, installed as /etc/quantum/console.env. The command reads it at each call, for those who may: root and the
# group quantum-console. For the service: systemctl restart quantum-console. Its token and its password have a better
# place: /etc/quantum/credentials/console.api_token and console.redis_password
#
# Each setting is shown with its default; uncomment it to change it. What the caller's own environment says wins; for a
# caller who sets any REDIS_ variable, or gives --redis-url, nothing here counts. What is allowed: docs/configuration.md
# A password has a better place than this: a file of its own that this group may read, named by REDIS_PASSWORD_FILE.
# Give the thresholds (P35_ALERT_...) the values that p35-alerts.env has.
"""


def document(name: str) -> str:
    """The whole file `name`."""
    if name == CONSOLE:
        fields = ServeSettings.model_fields.items()
        asked = [(setting, field) for setting, field in fields if not setting.startswith(_UNUSED)]
        return CONSOLE_HEAD + "".join(_setting(setting, field) for setting, field in asked)
    settings = SETTINGS[name].model_fields
    return HEAD.format(name=name) + "".join(_setting(setting, field) for setting, field in settings.items())


def _setting(name: str, field: FieldInfo) -> str:
    value = field.default
    default = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    if default != default.strip() or '"' in default or "\\" in default:
        default = '"' + default.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"\n# {field.description}\n#{name.upper()}={default}\n"


if __name__ == "__main__":
    for one in (*SETTINGS, CONSOLE):
        (FOLDER / f"{one}.env").write_text(document(one), "utf-8")
