"""Grounds: tileable PBR maps, drawn here or fetched from AmbientCG, all read by one loader."""
