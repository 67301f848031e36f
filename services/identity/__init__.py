"""Who is who: keys that join by themselves, names, verdicts on machines, and what the owner decided."""
