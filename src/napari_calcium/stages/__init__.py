"""The adapters between the pipeline and the domains: a module a domain, a function a stage."""
