"""Calibrating judges by what people say of images and texts."""
