"""The commands that run a home until they are told to stop."""

from deploy.serving import scheduler, serve, up, worker

__all__ = ["scheduler", "serve", "up", "worker"]
