"""Files that lie elsewhere: in a bucket, behind an address, or in a folder; found, listed, and fetched.

::

    faults      foreign errors -> what happened, what to do, and whether asking again can help
    guard       which hosts may be reached for a reader who is not the owner of this machine
    s3          one object at a time from S3 and services like it, with retries
    web         one file from a web address
    addresses   what somebody writes, wildcards too -> files to fetch
"""
