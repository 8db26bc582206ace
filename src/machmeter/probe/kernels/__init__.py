"""Reference kernels: small pieces of work whose rate tells what a machine can do.

``python -m machmeter.probe.kernels NAME...`` runs them and prints one JSON line each.
"""
