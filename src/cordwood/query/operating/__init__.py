"""What the people who run Cordwood ask of it: who they are to it, how it stands, what takes the room, and api keys."""
