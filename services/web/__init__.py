"""The web page: shows what the services tell, changes nothing, and is handed everything it needs."""
