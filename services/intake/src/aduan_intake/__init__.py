"""intake: takes complaints, seals who complained, and shows the public how a case goes on."""
