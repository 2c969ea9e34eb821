"""The operators' own pages: what they watch, what stands still, and the lanes.

They stand beside Django's admin, behind the same door: staff with a second factor.
"""
