"""What an operator types and looks at: reads what the sinks wrote, and never writes (but for `quantum proof`).

`explain` lies in `guide/`, `verify` in `audit/`; `watch`, `proof` and the demo in folders of their names; all else in
`cli/`.
"""

import os

# Or pydantic reads the entry points of every installed package when the settings are defined: a tenth of the time to
# an answer, for plugins that nobody uses here.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
