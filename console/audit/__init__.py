"""The audit behind `quantum verify`: is what was counted right?"""
