"""Style match: does the control set have the form of the values set?"""
