"""From events to what happened between the owner and people; a function of the stream that can be made again."""
