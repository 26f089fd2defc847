"""The rules, pure: no SDK, no clock, no logging. Values in, values out."""
