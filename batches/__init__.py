"""Quote, batch, work unit, execution, artifact: the main job."""
