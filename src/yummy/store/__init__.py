"""Where state lives: the live state in memory, accounts and issued sessions in SQL."""
