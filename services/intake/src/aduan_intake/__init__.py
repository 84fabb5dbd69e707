"""intake: takes complaints, keeps who complained sealed, and shows the public how a case goes on."""
