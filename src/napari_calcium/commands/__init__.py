"""The subcommands of ``napari-calcium``, one module each."""
