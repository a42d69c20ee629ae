"""KineMask: a control branch that tells a video model how objects move in the first frame."""
