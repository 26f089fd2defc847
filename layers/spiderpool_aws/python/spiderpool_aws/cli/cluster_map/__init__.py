"""`spiderpool-aws map`: a picture of the cluster, VPC to address, as one HTML page or an SVG."""
