"""What the stages find: frozen tables with units, equal by value."""
