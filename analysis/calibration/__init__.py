"""Calibration: do the methods keep their promises on this company's own data?"""
