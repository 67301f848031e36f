"""The web page: shows what the services tell, does what a signed link allows, and is handed everything it needs."""
