"""What goes wrong outside: kills, faults in the middle, data that comes late or twice."""
