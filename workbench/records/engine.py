"""The papermill engine ``guarded``: what a kernel says is masked before it is written anywhere.

Registered by entry point, so plain ``papermill --engine guarded`` has it. Beyond masking: the kernel is this very
interpreter, talks over Unix sockets in a private folder (TCP where there are none), keeps no history, and dumps no
core. Masking is the second wall; the first is that the package never hands out a raw value.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine
from papermill.utils import merge_kwargs, remove_args
from traitlets.config import Config

from workbench.i18n import mask_tree

GUARDED = {"stream", "display_data", "update_display_data", "execute_result", "error", "comm_open", "comm_msg"}
KERNEL_CODE = (
    "import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); "
    "from ipykernel import kernelapp; kernelapp.launch_new_instance()"
)


class _OneKernel(KernelSpecManager):
    """Offers only the running interpreter, whatever kernels the machine has installed."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        launch = ["-m", "ipykernel_launcher"] if os.name == "nt" else ["-c", KERNEL_CODE]
        return KernelSpec(
            argv=[sys.executable, *launch, "-f", "{connection_file}", "--HistoryManager.enabled=False",
                  "--InteractiveShell.xmode=Minimal", "--InteractiveShell.colors=nocolor", "--IPKernelApp.log_level=40"],
            display_name="Python 3", language="python")


class GuardedClient(PapermillNotebookClient):  # type: ignore[misc]
    """nbclient whose incoming messages pass the mask first."""

    def create_kernel_manager(self) -> Any:
        """The manager of one fresh kernel of this interpreter."""
        manager = super().create_kernel_manager()
        manager.kernel_spec_manager = _OneKernel()
        return manager

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        """Outputs, tracebacks and widget state all arrive here, before any of them reaches the notebook."""
        if msg["msg_type"] in GUARDED:
            msg["content"] = mask_tree(msg["content"])
        return super().process_message(msg, cell, cell_index)

    async def _check_raise_for_error(self, cell: Any, cell_index: int, exec_reply: Any) -> None:
        if exec_reply:  # the shell reply carries a second copy of the traceback
            exec_reply["content"] = mask_tree(exec_reply["content"])
        await super()._check_raise_for_error(cell, cell_index, exec_reply)


class Engine(NBClientEngine):  # type: ignore[misc]
    """papermill's entry point into :class:`GuardedClient`."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: Any, kernel_name: str, log_output: bool = False, stdout_file: Any = None,
        stderr_file: Any = None, start_timeout: int = 60, execution_timeout: int | None = None, **kwargs: Any,
    ) -> Any:
        """Run the notebook that ``nb_man`` holds in one fresh kernel."""
        kwargs = remove_args(["input_path", "timeout", "startup_timeout"], **kwargs)
        # one short private folder a run: default socket names are shared, and socket paths max out near 104 bytes
        with tempfile.TemporaryDirectory(prefix="wb-", dir="/tmp" if Path("/tmp").is_dir() else None) as sockets:  # noqa: S108
            config = Config()
            if os.name != "nt":
                config.KernelManager.transport = "ipc"
                config.KernelManager.ip = f"{sockets}/k"
            config.KernelManager.connection_file = f"{sockets}/kernel.json"
            client = GuardedClient(nb_man, config=config, **merge_kwargs(
                kwargs, timeout=execution_timeout, startup_timeout=start_timeout, kernel_name=kernel_name,
                log_output=log_output, stdout_file=stdout_file, stderr_file=stderr_file))
            # what the kernel's children print goes to inherited descriptors, past every message: nowhere
            return client.execute(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | {
                "IPYTHONDIR": sockets, "JUPYTER_RUNTIME_DIR": sockets, "PYDEVD_DISABLE_FILE_VALIDATION": "1"})
