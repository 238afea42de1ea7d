"""Files by which a gateway is deployed, made from `templates`: an image, Compose, systemd, Kubernetes, Akash. They know
nothing of a running gateway."""
