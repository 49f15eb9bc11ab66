"""The commands of `signoff audit`: what they share."""
