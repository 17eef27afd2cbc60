"""PLAN: findings + law + holds + risk + date -> ordered disposals; a pure function."""
