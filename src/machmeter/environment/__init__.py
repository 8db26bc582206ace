"""The asv environment type: fast environments with the driver's instrument in front."""
