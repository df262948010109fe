"""Names in a folder from which a recogniser can be used for recordings, such as a detector of system B."""

# The options of its MFCC, and the folder of `ser.asr.recogniser.Recogniser`.
MFCC = "mfcc.conf"
RECOGNISER = "asr"
