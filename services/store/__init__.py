"""Where SQL lives: tables, the unit of work, and one module a group of tables; no rules about people or mail."""
