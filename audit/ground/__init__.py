"""What the chapters stand on: people, norm, hours, answers, new clients, shares, matched designs, keys, money, words."""
