"""What stands in for time and for strangers. Stores are never faked: moto serves them."""
