"""`deploy/env/*.env`, from the settings themselves: `python -m tests.support.env_files` writes them."""

from __future__ import annotations

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from flows.settings.alerts import AlertsSettings
from flows.settings.joins import AllocationSettings, GovernorSettings
from flows.settings.p35 import P35Settings
from tests.support.flow_process import ROOT

FOLDER = ROOT / "deploy" / "env"

SETTINGS: dict[str, type[BaseSettings]] = {
    "p35-decision-intelligence": P35Settings,
    "p35-alerts": AlertsSettings,
    "allocation-target": AllocationSettings,
    "governor": GovernorSettings,
}
"""Name of the file, and of the unit without `quantum-` -> what the flow reads."""

HEAD = """\
# Settings of quantum-{name}.service, installed as /etc/quantum/{name}.env.
#
# Each setting is shown with its default; uncomment it to change it, then: systemctl restart quantum-{name}
# What stays commented out follows the defaults of the version that is installed. What is allowed: docs/configuration.md
# A password has a better place: /etc/quantum/credentials/{name}.redis_password
"""


def document(name: str) -> str:
    """The whole file `name`."""
    settings = SETTINGS[name].model_fields
    return HEAD.format(name=name) + "".join(_setting(setting, field) for setting, field in settings.items())


def _setting(name: str, field: FieldInfo) -> str:
    value = field.default
    default = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    if default != default.strip() or '"' in default or "\\" in default:
        default = '"' + default.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"\n# {field.description}\n#{name.upper()}={default}\n"


if __name__ == "__main__":
    for one in SETTINGS:
        (FOLDER / f"{one}.env").write_text(document(one), "utf-8")
