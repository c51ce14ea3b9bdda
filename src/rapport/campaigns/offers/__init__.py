"""Coupons: pools, codes and whom they belong to."""
